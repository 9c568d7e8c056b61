module example.com/versions_of_today

go 1.22
