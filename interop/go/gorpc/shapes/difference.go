package shapes

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"time"
)

// Difference says where two values differ, or "" when they are equal as reflect.DeepEqual has it, but for this:
//
//   - a nil slice and an empty one are equal, and so are a nil map and an empty one: gob leaves the first kind out, and
//     Convoke has no other form for "absent" than an empty Map;
//   - times are equal when they are the same moment at the same offset: gob carries no name of a zone;
//   - a field that is -0 may come back as 0: gob leaves out what equals zero;
//   - NaN equals NaN;
//   - unexported fields and channels of a struct do not cross; a type that encodes itself is compared by its encoding.
//
// Anything else must be the same, down to the bits of a float.
func Difference(a, b any) string { return difference(reflect.ValueOf(a), reflect.ValueOf(b), false) }

// difference compares two values; those of a field may be left out.
func difference(a, b reflect.Value, field bool) string {
	if a.IsValid() != b.IsValid() {
		return fmt.Sprintf(": %s and %s", kindOf(a), kindOf(b))
	}
	if !a.IsValid() {
		return ""
	}
	if a.Type() != b.Type() {
		return fmt.Sprintf(": %#v, a %s, and %#v, a %s", a, a.Type(), b, b.Type())
	}
	switch a.Kind() {
	case reflect.Interface:
		return difference(a.Elem(), b.Elem(), false)
	case reflect.Pointer:
		if a.IsNil() != b.IsNil() {
			return fmt.Sprintf(": nil is %t and %t", a.IsNil(), b.IsNil())
		}
		return difference(a.Elem(), b.Elem(), field)
	case reflect.Slice, reflect.Array:
		return differentElement(a, b)
	case reflect.Map:
		return differentEntry(a, b)
	case reflect.Struct:
		return differentField(a, b)
	case reflect.Float32, reflect.Float64:
		return differentFloat(a.Float(), b.Float(), field)
	case reflect.Complex64, reflect.Complex128:
		one, other := a.Complex(), b.Complex()
		// A complex field is left out only when both of its parts are zero.
		field = field && one == 0
		return differentFloat(real(one), real(other), field) + differentFloat(imag(one), imag(other), field)
	case reflect.Chan, reflect.Func:
		return ""
	}
	if one, other := a.Interface(), b.Interface(); one != other {
		return fmt.Sprintf(": %#v and %#v", one, other)
	}
	return ""
}

func kindOf(value reflect.Value) string {
	if !value.IsValid() {
		return "nil"
	}
	return value.Type().String()
}

func differentFloat(a, b float64, field bool) string {
	if math.Float64bits(a) == math.Float64bits(b) || (a != a && b != b) || (field && a == b) {
		return ""
	}
	return fmt.Sprintf(": %v and %v", a, b)
}

func differentElement(a, b reflect.Value) string {
	if a.Len() != b.Len() {
		return fmt.Sprintf(": lengths %d and %d", a.Len(), b.Len())
	}
	for at := range a.Len() {
		if where := difference(a.Index(at), b.Index(at), false); where != "" {
			return fmt.Sprintf("[%d]%s", at, where)
		}
	}
	return ""
}

func differentEntry(a, b reflect.Value) string {
	if a.Len() != b.Len() {
		return fmt.Sprintf(": %d and %d keys", a.Len(), b.Len())
	}
	for _, key := range a.MapKeys() {
		other := b.MapIndex(key)
		if !other.IsValid() {
			return fmt.Sprintf("[%#v]: is missing", key)
		}
		if where := difference(a.MapIndex(key), other, false); where != "" {
			return fmt.Sprintf("[%#v]%s", key, where)
		}
	}
	return ""
}

func differentField(a, b reflect.Value) string {
	switch one := a.Interface().(type) {
	case time.Time:
		other := b.Interface().(time.Time)
		if _, offset := one.Zone(); !one.Equal(other) || offset != offsetOf(other) {
			return fmt.Sprintf(": %s and %s", one, other)
		}
		return ""
	case encoding.BinaryMarshaler:
		if !reflect.DeepEqual(one, b.Interface()) {
			return fmt.Sprintf(": %v and %v", one, b.Interface())
		}
		return ""
	}
	for at := range a.NumField() {
		if !a.Type().Field(at).IsExported() {
			continue
		}
		if where := difference(a.Field(at), b.Field(at), true); where != "" {
			return "." + a.Type().Field(at).Name + where
		}
	}
	return ""
}

func offsetOf(it time.Time) int {
	_, offset := it.Zone()
	return offset
}
