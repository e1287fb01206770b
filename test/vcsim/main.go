// Two programs on govmomi, which others wrote, to check our vCenter client and the lab's vCenter against:
// `serve` is a vCenter for tests, `list` reads the VMs of any vCenter.
package main

import (
	"io/ioutil"
	"log"
	"net/url"
	"os"
	"strings"
)

func main() {
	programs := map[string]func([]string){"serve": serve, "list": list}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		log.Fatal("use: vcsim serve|list [-FLAG ...]")
	}
	programs[os.Args[1]](os.Args[2:])
}

func readUser(name string, passwordFile string) *url.Userinfo {
	password, err := ioutil.ReadFile(passwordFile)
	check(err)
	return url.UserPassword(name, strings.TrimRight(string(password), "\n"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
