"""The API of the people who work on loans, for their console, CRM or dialer: `/api/v1`."""
