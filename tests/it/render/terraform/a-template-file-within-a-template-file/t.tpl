${templatefile("u.tpl", {})}
