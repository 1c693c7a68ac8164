a = "module"
b = "module"
