import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, createFileRegistry, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

type Field = MessageInitShape<typeof FieldDescriptorProtoSchema>;

let number = 0;
const field = (name: string, type: Type, more: Field = {}): Field => ({
  name,
  type,
  number: ++number,
  label: Label.OPTIONAL,
  ...more,
});
const repeated = { label: Label.REPEATED };

const FILE = create(FileDescriptorProtoSchema, {
  name: "test/all.proto",
  package: "test",
  syntax: "proto3",
  dependency: ["google/protobuf/struct.proto", "google/protobuf/wrappers.proto"],
  enumType: [
    {
      name: "Colour",
      value: [
        { name: "RED", number: 0 },
        { name: "BLUE", number: 1 },
      ],
    },
  ],
  messageType: [
    {
      name: "All",
      oneofDecl: [{ name: "choice" }, { name: "_maybe" }],
      nestedType: [
        {
          name: "NamesEntry",
          options: { mapEntry: true },
          field: [
            { name: "key", number: 1, type: Type.STRING, label: Label.OPTIONAL },
            { name: "value", number: 2, type: Type.INT32, label: Label.OPTIONAL },
          ],
        },
      ],
      field: [
        field("text", Type.STRING),
        field("flag", Type.BOOL),
        field("bytes", Type.BYTES),
        field("real", Type.DOUBLE),
        field("small", Type.INT32),
        field("large", Type.UINT64),
        field("colour", Type.ENUM, { typeName: ".test.Colour" }),
        field("inner_one", Type.MESSAGE, { typeName: ".test.All" }),
        field("texts", Type.STRING, repeated),
        field("inners", Type.MESSAGE, { typeName: ".test.All", ...repeated }),
        field("names", Type.MESSAGE, { typeName: ".test.All.NamesEntry", ...repeated }),
        field("chosen_text", Type.STRING, { oneofIndex: 0 }),
        field("chosen_inner", Type.MESSAGE, { typeName: ".test.All", oneofIndex: 0 }),
        field("maybe", Type.STRING, { oneofIndex: 1, proto3Optional: true }),
        field("json", Type.MESSAGE, { typeName: ".google.protobuf.Struct" }),
        field("wrapped", Type.MESSAGE, { typeName: ".google.protobuf.StringValue" }),
      ],
    },
  ],
});

/** A message type that has a field of each kind. */
export const AllSchema: DescMessage = ((): DescMessage => {
  const files: readonly DescFile[] = [file_google_protobuf_struct, file_google_protobuf_wrappers];
  const registry = createFileRegistry(FILE, (path) => files.find(({ name }) => `${name}.proto` === path));
  const type = registry.getMessage("test.All");
  if (type === undefined) throw new TypeError("There is no such type");
  return type;
})();
