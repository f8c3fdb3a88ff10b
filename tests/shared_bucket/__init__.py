"""A bucket, a folder and a Cargo server that are kept alike, while people change all three.

A folder can have one owner only, so a daemon has two two-way jobs over one folder, of which one is
enabled at a time: it follows the bucket for a while, then the server, and so on. Meanwhile people
change files in the folder, in the server's folder and over HTTP, and by rclone in the bucket. Each
content is written once in all, so at the end it is known of every version where it is.

`python -m tests.shared_bucket --minutes 30 --seed 1 --server swift --versions`

place            the programs, and whose turn it is
people           who change files: in a folder, over HTTP, by rclone
diary            what they did: each version, and each removal
verdict          what became of each version: it is kept, people removed it, or it is lost
findings         what is where at the end, and what the history says
bucket_versions  a program: makes a bucket, and fetches all versions in it
campaign         one story from its beginning to its end
"""
