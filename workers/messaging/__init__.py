"""The message broker: publishes tasks, waits between retries, and reports to Flower."""
