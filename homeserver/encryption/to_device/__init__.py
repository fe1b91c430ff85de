"""Messages to devices: sent once, kept until the device has them (client-server API, "Send-to-Device messaging")."""
