"""Text generation without a server: from a prompt to chunks of text, token by token, on either runtime."""
