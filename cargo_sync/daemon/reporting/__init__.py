"""What the daemon tells: on its feed, to its commands, to HTTP callbacks, to Prometheus.

feed               what is published, and when
metrics            figures of the jobs
progress_webhooks  onUpdate, sampled, never kept
views              values -> messages
webhooks           events -> callbacks that wait for delivery
"""
