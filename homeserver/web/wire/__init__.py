"""What the HTTP protocol is made of: the outer form of answers, bodies that arrive, coroutines that go on later."""
