module bongsu.invalid/goaws

go 1.24

require github.com/Admiral-Piett/goaws v0.5.4 // indirect
