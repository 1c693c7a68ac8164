a = "unit"
