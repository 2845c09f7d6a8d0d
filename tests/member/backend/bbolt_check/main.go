// bbolt_check: the independent reader of the backend's files, on the real bbolt.
//
//	bbolt_check dump PATH        runs tx.Check, then prints "bucket hexkey hexvalue" a line
//	bbolt_check make PATH SYNC   makes a database with changes of all kinds; SYNC: 1 keeps the freelist in the file
package main

import (
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"

	bolt "go.etcd.io/bbolt"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func dump(path string) {
	db, err := bolt.Open(path, 0600, &bolt.Options{ReadOnly: true})
	fail(err)
	fail(db.View(func(tx *bolt.Tx) error {
		wrong := false
		for problem := range tx.Check() {
			fmt.Fprintln(os.Stderr, problem)
			wrong = true
		}
		if wrong {
			os.Exit(1)
		}
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			return bucket.ForEach(func(k, v []byte) error {
				fmt.Printf("%s %s %s\n", name, hex.EncodeToString(k), hex.EncodeToString(v))
				return nil
			})
		})
	}))
	fail(db.Close())
}

func makeFile(path string, keepFreelist bool) {
	db, err := bolt.Open(path, 0600, &bolt.Options{NoFreelistSync: !keepFreelist, FreelistType: bolt.FreelistMapType})
	fail(err)
	random := rand.New(rand.NewSource(1))
	names := []string{"meta", "lease", "key", "auth", "authUsers", "authRoles", "alarm", "members", "members_removed", "cluster", "foreign"}
	for round := 0; round < 40; round++ {
		fail(db.Update(func(tx *bolt.Tx) error {
			for i, name := range names {
				bucket, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				if name == "key" {
					bucket.FillPercent = 0.9
				}
				for n := 0; n < 1+i*i; n++ {
					key := []byte(fmt.Sprintf("%s-%d", name, random.Intn(1+100*i)))
					if random.Intn(3) == 0 {
						err = bucket.Delete(key)
					} else {
						value := make([]byte, random.Intn(600))
						if random.Intn(60) == 0 {
							value = make([]byte, 20000)
						}
						random.Read(value)
						err = bucket.Put(key, value)
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		}))
	}
	fail(db.Close())
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "dump":
		dump(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "make":
		makeFile(os.Args[2], os.Args[3] == "1")
	default:
		fmt.Fprintln(os.Stderr, "usage: bbolt_check dump PATH | make PATH SYNC")
		os.Exit(2)
	}
}
