module example.com/versions_of_old

go 1.12
