module example.com/embed_targets

go 1.27
