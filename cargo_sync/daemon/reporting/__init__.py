"""What the daemon reports: on its feed, to commands, by HTTP callbacks, to Prometheus.

conflict_views     conflicts as messages
feed               what is published, and when
file_views         job files as messages
listeners          a list of listeners to the jobs, called in turn
metrics            metrics of the jobs
progress_webhooks  onUpdate callbacks: sent once per second, never stored
rates              how fast files moved lately
views              values -> messages
webhooks           events -> callbacks that wait for delivery
"""
