// Judge certificates as Go's TLS clients do: verify DIRECTORY...; each holds leaf.pem, sent.pem, roots.pem and name.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func certificates(path string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	return found, nil
}

func pool(path string) (*x509.CertPool, error) {
	found, err := certificates(path)
	made := x509.NewCertPool()
	for _, certificate := range found {
		made.AddCert(certificate)
	}
	return made, err
}

func judge(directory string) error {
	leaf, err := certificates(filepath.Join(directory, "leaf.pem"))
	if err != nil {
		return err
	}
	sent, err := pool(filepath.Join(directory, "sent.pem"))
	if err != nil {
		return err
	}
	roots, err := pool(filepath.Join(directory, "roots.pem"))
	if err != nil {
		return err
	}
	name, err := os.ReadFile(filepath.Join(directory, "name"))
	if err != nil {
		return err
	}
	usage := x509.ExtKeyUsageServerAuth
	if len(name) == 0 {
		usage = x509.ExtKeyUsageClientAuth
	}
	_, err = leaf[0].Verify(x509.VerifyOptions{
		DNSName: string(name), Intermediates: sent, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	return err
}

func main() {
	for _, directory := range os.Args[1:] {
		verdict := "accepted"
		if err := judge(directory); err != nil {
			verdict = "refused " + strings.Join(strings.Fields(err.Error()), " ")
		}
		fmt.Println(verdict)
	}
}
