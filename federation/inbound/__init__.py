"""What other servers may ask, a file per chapter of the server-server API; `Access.PEER` shows who asks as `request.peer`."""
