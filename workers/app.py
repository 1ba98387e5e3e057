"""The Celery application. How it delivers stands in workers.celeryconfig, read at first use."""

from __future__ import annotations

from celery import Celery

app = Celery("arrears")
app.config_from_object("workers.celeryconfig")
