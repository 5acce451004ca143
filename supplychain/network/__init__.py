"""Where this program may connect to when it works for others: names, addresses, and one door."""
