"""Who is found among a thousand sessions."""
