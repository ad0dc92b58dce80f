"""What a centre may change without code: settings, tables, profiles. Read by `cli.wiring` alone."""
