"""A job with somebody else's server, beside rclone at its defaults, on the same server.

    .venv/bin/python -m benchmarks.remotes --servers rclone-s3,swift,openssh --rounds 3

For each server:

speed     one file of `--big` MiB, then `--files` files of 4 KiB go there and back: by a job of a
          daemon that runs, from `job.add` until it is synced, and by `rclone copy`, from start to
          end; the order changes with each round. What came back is compared with what went. Printed
          are the medians in seconds, and rclone's time divided by ours.
kill      The daemon, and rclone, are killed (kill -9) as soon as half of that went over the line,
          and started again. A proxy on loopback counts the bytes, and what is sent twice. What the
          server has then is compared with what went there.
conflict  A two-way job whose two sides were changed: both versions must be kept and named, the
          history must tell it, and both sides must be alike at the end.

The servers are those of tests/remotes, each with a folder of a temporary folder; one that cannot be
had is left out. The speed of fakes (moto, pydio-like) is measured only with `--fakes`; without it,
that is said. Their big file is smaller.

compared  first syncs, by a job and by rclone
conflict  a two-way job, both of whose sides were changed
far       a place on a server, for a job and for rclone
killed    kill -9 in the middle of an upload
movers    a daemon with a job, and rclone
table     the rows
trees     the files that are moved
wire      a proxy that counts what is sent
"""
