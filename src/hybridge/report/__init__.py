"""One typed Report and its renderers: functions from ``Report`` to ``str``."""
