%{ if false }${x}%{ endif }
