module example.com/embed_patterns

go 1.27
