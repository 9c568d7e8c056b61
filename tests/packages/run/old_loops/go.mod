module example.com/old_loops

go 1.21
