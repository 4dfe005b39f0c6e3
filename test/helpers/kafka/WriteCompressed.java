// Writes records with the Java client, in one batch for each codec: java -cp 'JARS/*' WriteCompressed.java BROKERS TOPIC RECORDS
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class WriteCompressed {
  public static void main(String[] args) {
    for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
      Properties properties = new Properties();
      properties.put("bootstrap.servers", args[0]);
      properties.put("compression.type", codec);
      properties.put("batch.size", "1000000");
      properties.put("linger.ms", "200");
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
        for (int i = 0; i < Integer.parseInt(args[2]); i++)
          producer.send(new ProducerRecord<>(args[1], 0, codec + i % 10, codec + " " + i + " the sound is worth every cent"));
      }
    }
  }
}
