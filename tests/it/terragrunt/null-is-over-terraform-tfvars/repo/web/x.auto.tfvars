b = "automatic"
