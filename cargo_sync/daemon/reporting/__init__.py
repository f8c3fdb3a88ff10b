"""What the daemon tells: on its feed, to its commands, to HTTP callbacks, to Prometheus.

feed               what is published, and when
listeners          everybody who is told what happens to the jobs
metrics            figures of the jobs
progress_webhooks  onUpdate, sampled, never kept
views              values -> messages
webhooks           events -> callbacks that wait for delivery
"""
