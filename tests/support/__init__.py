"""What tests share: a clock and a chance that repeat, a client without sockets."""
