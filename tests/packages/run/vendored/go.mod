module example.com/vendored

go 1.27

require example.org/dep v1.0.0
