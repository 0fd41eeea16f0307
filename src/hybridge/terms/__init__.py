"""Constants of the field: premises, application ids, EWS callers, clouds, symptoms. Imports nothing of hybridge."""
