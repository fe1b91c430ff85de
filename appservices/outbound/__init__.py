"""What application services are told: transactions, one after the other (application-service API, "Pushing events")."""
