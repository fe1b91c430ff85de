"""What this server tells of its users to services beside Matrix, and what it learns of networks beside it."""
