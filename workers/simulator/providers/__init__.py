"""Simulated SMS providers that speak the APIs of Twilio and of Tencent Cloud."""
