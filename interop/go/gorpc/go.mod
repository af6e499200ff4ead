module convoke.test/interop/gorpc

go 1.25.0

require github.com/valyala/gorpc v0.0.0-20160519171614-908281bef774
