"""What a client hears of beside rooms, where it asks for it: MSC3884, 3885, 3959, 3960, 3961."""
