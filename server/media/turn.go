package media

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation reads how a JPEG has to be turned to stand upright: EXIF's tag 274, 1 to 8; 1 where nothing is said. Phones keep
// their pictures as the sensor saw them and say so there.
func orientation(data []byte) int {
	const upright = 1
	for at := 2; at+4 <= len(data) && data[at] == 0xff && data[at+1] != 0xda; {
		length := int(binary.BigEndian.Uint16(data[at+2:]))
		end := at + 2 + length
		if length < 2 || end > len(data) {
			return upright
		}
		if exif, is := bytes.CutPrefix(data[at+4:end], []byte("Exif\x00\x00")); data[at+1] == 0xe1 && is {
			return turnIn(exif)
		}
		at = end
	}
	return upright
}

// turnIn reads the tag out of the first directory of a TIFF.
func turnIn(tiff []byte) int {
	const upright, tag, entry = 1, 0x0112, 12
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	count := int64(order.Uint16(tiff[at:]))
	for i := range count {
		e := at + 2 + i*entry
		if e+entry > int64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[e:]) == tag {
			if turn := int(order.Uint16(tiff[e+8:])); turn >= 1 && turn <= 8 {
				return turn
			}
			break
		}
	}
	return upright
}

// turned is a picture that stands upright.
func turned(m *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return m
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			var tx, ty int
			switch turn {
			case 2:
				tx, ty = w-1-x, y
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				tx, ty = x, h-1-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			to.SetRGBA(tx, ty, m.RGBAAt(x, y))
		}
	}
	return to
}
