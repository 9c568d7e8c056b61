module example.com/versions_before_1_14

go 1.13
