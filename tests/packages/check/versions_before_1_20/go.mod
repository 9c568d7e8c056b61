module example.com/versions_before_1_20

go 1.19
