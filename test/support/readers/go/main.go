// Lets Go's drivers read connection strings, without connecting. A line of input is a reader and a text in Base64. A line
// of output is user, password and host in Base64, or "error".
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/microsoft/go-mssqldb/msdsn"
)

func read(reader, text string) (user, password, host string, err error) {
	if reader == "pgx" {
		config, err := pgx.ParseConfig(text)
		if err != nil {
			return "", "", "", err
		}
		return config.User, config.Password, config.Host, nil
	}
	config, err := msdsn.Parse(text)
	return config.User, config.Password, config.Host, err
}

func encode(text string) string {
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		reader, encoded, _ := strings.Cut(input.Text(), "\t")
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			fmt.Println("error")
			continue
		}
		user, password, host, err := read(reader, string(text))
		if err != nil {
			fmt.Println("error")
			continue
		}
		fmt.Println(encode(user) + "\t" + encode(password) + "\t" + encode(host))
	}
}
