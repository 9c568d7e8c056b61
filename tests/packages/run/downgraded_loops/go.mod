module example.com/downgraded_loops

go 1.27
