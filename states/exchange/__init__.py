"""The plugs: bytes to typed rows and back; none knows a case or an event."""
