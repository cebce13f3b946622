package db_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

type label string

type parcel struct {
	Position int64  `gorm:"primaryKey;autoIncrement"`
	Name     string `gorm:"uniqueIndex"`
	Label    label
	Weight   int
	Count    int32
	Far      bool
	At       time.Time
	Until    *time.Time
	Content  []byte
}

type shelf struct {
	Room  string `gorm:"primaryKey"`
	Row   string `gorm:"primaryKey"`
	Count int64
}

type mark struct {
	Key string `gorm:"primaryKey"`
}

func TestAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		if err := store.Write.AutoMigrate(&parcel{}, &shelf{}, &mark{}); err != nil {
			t.Fatal(err)
		}
		write := func(do func(tx *gorm.DB) error) error { return store.Write.WithContext(t.Context()).Transaction(do) }
		at := time.Date(2026, 1, 31, 23, 59, 59, 123456000, time.UTC)
		var want []parcel
		for i := range 137 {
			p := parcel{Name: fmt.Sprintf("包裹 %d'\"", i), Label: label(fmt.Sprint(i % 3)), Weight: -i, Count: int32(i), Far: i%2 == 0, At: at.Add(time.Duration(i) * time.Second), Content: []byte{0, byte(i)}}
			if i%5 == 0 {
				p.Until = &at
			}
			want = append(want, p)
		}
		if err := write(func(tx *gorm.DB) error { return db.InsertAll(tx, want) }); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i].Position = int64(i + 1)
		}
		var got []parcel
		if err := store.Read.Order("position").Find(&got).Error; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("inserted (-want +got):\n%s", diff)
		}
		err := write(func(tx *gorm.DB) error { return db.InsertAll(tx, []parcel{{Name: "new"}, {Name: want[0].Name}}) })
		if !db.IsDuplicate(err) {
			t.Errorf("the same name again: got %v", err)
		}
		if err := write(func(tx *gorm.DB) error { return db.InsertAll(tx, []parcel{}) }); err != nil {
			t.Errorf("nothing: %v", err)
		}
		for round := range 2 {
			shelves := []shelf{{"a", "1", int64(round)}, {"a", "2", int64(10 + round)}, {"b", fmt.Sprint(round), 5}}
			err := write(func(tx *gorm.DB) error {
				if err := db.UpsertAll(tx, []mark{{"x"}, {fmt.Sprint(round)}}); err != nil {
					return err
				}
				return db.UpsertAll(tx, shelves)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var shelves []shelf
		var marks []mark
		if err := store.Read.Order("room, row").Find(&shelves).Error; err != nil {
			t.Fatal(err)
		}
		if err := store.Read.Order("key").Find(&marks).Error; err != nil {
			t.Fatal(err)
		}
		if want := []shelf{{"a", "1", 1}, {"a", "2", 11}, {"b", "0", 5}, {"b", "1", 5}}; !slices.Equal(shelves, want) {
			t.Errorf("written over: got %v, want %v", shelves, want)
		}
		if want := []mark{{"0"}, {"1"}, {"x"}}; !slices.Equal(marks, want) {
			t.Errorf("nothing but a key: got %v, want %v", marks, want)
		}
		type odd struct {
			Key   string `gorm:"primaryKey"`
			Ratio float64
		}
		if err := store.Write.AutoMigrate(&odd{}); err != nil {
			t.Fatal(err)
		}
		if err := write(func(tx *gorm.DB) error { return db.InsertAll(tx, []odd{{"a", 1}}) }); err == nil {
			t.Error("a type that it does not know: got no error")
		}
	})
}

func TestAnyOf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		if err := store.Write.AutoMigrate(&mark{}); err != nil {
			t.Fatal(err)
		}
		if err := db.InsertAll(store.Write.WithContext(t.Context()), []mark{{"a"}, {"b<'\"\\"}, {"值"}, {"1"}}); err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct{ keys, want []string }{
			"some":    {[]string{"a", "b<'\"\\", "值", "c"}, []string{"a", "b<'\"\\", "值"}},
			"a digit": {[]string{"1"}, []string{"1"}},
			"none":    {nil, nil},
		} {
			var got []string
			if err := store.Read.Model(&mark{}).Where(db.AnyOf(store.Read, "key", tc.keys)).Pluck("key", &got).Error; err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s: got %q, want %q", name, got, tc.want)
			}
		}
	})
}
