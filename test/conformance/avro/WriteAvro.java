// Writes written-by-java.json: values as Apache Avro for Java writes them, each with its schema; every logical type of Avro 1.12 is among them.
//   mvn -f pom.xml dependency:copy-dependencies && java -cp 'target/dependency/*' WriteAvro.java > written-by-java.json
// In `value`, what JSON has no form for is {"$": kind, "is": text}.
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Conversion;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.util.TimePeriod;

public class WriteAvro {
  static final ObjectMapper json = new ObjectMapper();
  static final ArrayNode rows = json.createArrayNode();
  static final GenericData data = new GenericData();

  public static void main(String[] args) throws Exception {
    for (Conversion<?> one : List.of(
        new Conversions.DecimalConversion(), new Conversions.BigDecimalConversion(), new Conversions.UUIDConversion(), new Conversions.DurationConversion(),
        new TimeConversions.DateConversion(), new TimeConversions.TimeMillisConversion(), new TimeConversions.TimeMicrosConversion(),
        new TimeConversions.TimestampMillisConversion(), new TimeConversions.TimestampMicrosConversion(), new TimeConversions.TimestampNanosConversion(),
        new TimeConversions.LocalTimestampMillisConversion(), new TimeConversions.LocalTimestampMicrosConversion(), new TimeConversions.LocalTimestampNanosConversion()))
      data.addLogicalTypeConversion(one);
    data.setFastReaderEnabled(false);

    String money = "{'type':'bytes','logicalType':'decimal','precision':12,'scale':3}";
    write(money, new BigDecimal("-123456789.012"), "'-123456789.012'");
    write(money, new BigDecimal("0.000"), "'0.000'");
    write("{'type':'bytes','logicalType':'decimal','precision':5,'scale':2}", new BigDecimal("-1.28"), "'-1.28'");
    write("{'type':'bytes','logicalType':'decimal','precision':30}", new BigDecimal("170141183460469231731687303716"), "'170141183460469231731687303716'");
    write("{'type':'fixed','name':'Money','size':6,'logicalType':'decimal','precision':10,'scale':4}", new BigDecimal("-0.0001"), "'-0.0001'");
    for (String one : List.of("12.30", "-0.05", "0", "98765432109876543210987654321.5"))
      write("{'type':'bytes','logicalType':'big-decimal'}", new BigDecimal(one), "'" + one + "'");
    write("{'type':'bytes','logicalType':'big-decimal'}", new BigDecimal("12E+2"), "'1200'", false); // in JavaScript it has no scale below 0
    UUID uuid = UUID.fromString("0188d3c4-5b6a-7c8d-9e0f-1122334455ff");
    write("{'type':'string','logicalType':'uuid'}", uuid, "'" + uuid + "'");
    write("{'type':'fixed','name':'Id','size':16,'logicalType':'uuid'}", uuid, "'" + uuid + "'");
    write("{'type':'fixed','name':'Span','size':12,'logicalType':'duration'}", TimePeriod.of(14, 3, 86_399_999L), "{'months':14,'days':3,'milliseconds':86399999}");
    write("{'type':'fixed','name':'Span','size':12,'logicalType':'duration'}", TimePeriod.of(0, 0, 4_294_967_295L), "{'months':0,'days':0,'milliseconds':4294967295}");
    write("{'type':'int','logicalType':'date'}", LocalDate.of(2026, 11, 22), "'2026-11-22'");
    write("{'type':'int','logicalType':'date'}", LocalDate.of(1969, 12, 31), "'1969-12-31'");
    write("{'type':'int','logicalType':'date'}", LocalDate.of(1, 1, 1), "'0001-01-01'");
    write("{'type':'int','logicalType':'time-millis'}", LocalTime.of(23, 59, 59, 999_000_000), "86399999");
    write("{'type':'long','logicalType':'time-micros'}", LocalTime.of(23, 59, 59, 999_999_000), "{'$':'long','is':'86399999999'}");
    Instant after = Instant.parse("2026-11-22T10:15:30.123456789Z");
    Instant before = Instant.parse("1969-12-31T23:59:59.999999999Z");
    LocalDateTime local = LocalDateTime.parse("2026-11-22T10:15:30.123456789");
    LocalDateTime early = LocalDateTime.parse("1969-12-31T23:59:59.999999999");
    write("{'type':'long','logicalType':'timestamp-millis'}", after.truncatedTo(java.time.temporal.ChronoUnit.MILLIS), "{'$':'date','is':'2026-11-22T10:15:30.123Z'}");
    write("{'type':'long','logicalType':'timestamp-micros'}", after.truncatedTo(java.time.temporal.ChronoUnit.MICROS), "{'$':'long','is':'1795342530123456'}");
    write("{'type':'long','logicalType':'timestamp-nanos'}", after, "{'$':'long','is':'1795342530123456789'}");
    write("{'type':'long','logicalType':'timestamp-nanos'}", before, "{'$':'long','is':'-1'}");
    write("{'type':'long','logicalType':'local-timestamp-millis'}", local.truncatedTo(java.time.temporal.ChronoUnit.MILLIS), "'2026-11-22T10:15:30.123'");
    write("{'type':'long','logicalType':'local-timestamp-micros'}", local.truncatedTo(java.time.temporal.ChronoUnit.MICROS), "{'$':'long','is':'1795342530123456'}");
    write("{'type':'long','logicalType':'local-timestamp-nanos'}", local, "{'$':'long','is':'1795342530123456789'}");
    write("{'type':'long','logicalType':'local-timestamp-nanos'}", early, "{'$':'long','is':'-1'}");
    write("['null',{'type':'fixed','name':'Id','size':16,'logicalType':'uuid'}]", uuid, "'" + uuid + "'");
    write("['null',{'type':'long','logicalType':'timestamp-nanos'}]", after, "{'$':'long','is':'1795342530123456789'}");
    write("{'type':'array','items':{'type':'fixed','name':'Span','size':12,'logicalType':'duration'}}", List.of(TimePeriod.of(1, 2, 3L), TimePeriod.of(0, 0, 0L)),
        "[{'months':1,'days':2,'milliseconds':3},{'months':0,'days':0,'milliseconds':0}]");
    records();

    ObjectNode all = json.createObjectNode().put("by", "Apache Avro " + Schema.class.getPackage().getImplementationVersion() + " for Java");
    System.out.println(json.writerWithDefaultPrettyPrinter().writeValueAsString(all.set("rows", rows)));
  }

  /** Namespaces that are taken over, types by name, a union of two records, a record within itself. */
  static void records() throws Exception {
    String text = "{'type':'record','name':'Order','namespace':'shop.orders','fields':["
        + "{'name':'state','type':{'type':'enum','name':'State','symbols':['NEW','PAID'],'default':'NEW'}},"
        + "{'name':'by','type':[{'type':'record','name':'Card','fields':[{'name':'last','type':'int'}]},"
        + "{'type':'record','name':'other.Cash','fields':[{'name':'at','type':'string'}]}]},"
        + "{'name':'sums','type':{'type':'map','values':{'type':'array','items':'long'}}},"
        + "{'name':'before','type':['null','Order']},{'name':'was','type':['null','State']}]}";
    Schema schema = new Schema.Parser().parse(text.replace('\'', '"'));
    List<Schema> by = schema.getField("by").schema().getTypes();
    GenericRecord card = new GenericData.Record(by.get(0));
    card.put("last", 1234);
    GenericRecord cash = new GenericData.Record(by.get(1));
    cash.put("at", "Köln");
    GenericRecord first = new GenericData.Record(schema);
    Schema state = schema.getField("state").schema();
    first.put("state", new GenericData.EnumSymbol(state, "PAID"));
    first.put("by", cash);
    first.put("sums", Map.of());
    GenericRecord second = new GenericData.Record(schema);
    second.put("state", new GenericData.EnumSymbol(state, "NEW"));
    second.put("by", card);
    second.put("sums", Map.of("net", List.of(1L, Long.MIN_VALUE)));
    second.put("before", first);
    second.put("was", new GenericData.EnumSymbol(state, "PAID"));
    String one = "{'state':'PAID','by':{'other.Cash':{'at':'Köln'}},'sums':{},'before':null,'was':null}";
    write(text, second, "{'state':'NEW','by':{'shop.orders.Card':{'last':1234}},'sums':{'net':[{'$':'long','is':'1'},{'$':'long','is':'-9223372036854775808'}]},'before':"
        + one + ",'was':'PAID'}");
  }

  static void write(String schema, Object value, String javascript) throws Exception {
    write(schema, value, javascript, true);
  }

  /** Writes it, reads it back, and keeps the row; `isOnlyForm`: whoever writes this value writes these bytes. */
  static void write(String text, Object value, String javascript, boolean isOnlyForm) throws Exception {
    Schema schema = new Schema.Parser().parse(text.replace('\'', '"'));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema, data).write(value, encoder);
    encoder.flush();
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(out.toByteArray(), null);
    Object back = new GenericDatumReader<Object>(schema, schema, data).read(null, decoder);
    if (!value.equals(back) && !value.toString().equals(back.toString()))
      throw new IllegalStateException("written " + value + ", read " + back);
    ObjectNode row = json.createObjectNode();
    row.set("schema", json.readTree(text.replace('\'', '"')));
    row.set("value", json.readTree(javascript.replace('\'', '"')));
    row.put("bytes", HexFormat.of().formatHex(out.toByteArray()));
    if (!isOnlyForm) row.put("isOnlyForm", false);
    rows.add(row);
  }
}
