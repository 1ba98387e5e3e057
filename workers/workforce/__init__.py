"""Who works when and on what: absences, whom somebody must not handle, work that is handed on."""
