"""The sides of a job, behind one contract: a local folder, our server, and a fake in memory."""
