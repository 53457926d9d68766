package dev.lockstep.wire;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Random;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import org.junit.jupiter.api.Test;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

class HmacTest {
    @Test
    void tag_messagesOneAfterTheOther_isTheJdks() throws GeneralSecurityException {
        Random random = new Random(1);
        for (int keyBytes : new int[]{1, 31, 32, 63, 64, 65, 200}) {
            byte[] key = bytes(random, keyBytes);
            Hmac own = new Hmac(key);
            Mac jdks = Mac.getInstance("HmacSHA256");
            jdks.init(new SecretKeySpec(key, "HmacSHA256"));
            for (int messageBytes : new int[]{0, 1, 55, 64, 119, 1000}) {
                byte[] first = bytes(random, messageBytes / 2);
                byte[] number = bytes(random, Long.BYTES);
                byte[] last = bytes(random, messageBytes);
                own.update(first);
                own.update(ByteBuffer.wrap(number));
                jdks.update(first);
                jdks.update(number);
                assertThat(own.tag(last)).as(keyBytes + " bytes, " + messageBytes).isEqualTo(jdks.doFinal(last));
            }
        }
    }

    /** The second test case of RFC 4231. */
    @Test
    void tag_standardsExample_isTheStandards() {
        assertThat(new Hmac("Jefe".getBytes(US_ASCII)).tag("what do ya want for nothing?".getBytes(US_ASCII)))
                .asHexString().isEqualTo("5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
    }

    private static byte[] bytes(Random random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }
}
