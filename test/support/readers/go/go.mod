module keyturn.test/readers

go 1.23.0

require (
	github.com/jackc/pgx/v5 v5.7.1
	github.com/microsoft/go-mssqldb v1.9.2
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	golang.org/x/crypto v0.38.0 // indirect
	golang.org/x/text v0.25.0 // indirect
)
