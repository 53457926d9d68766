package dev.lockstep.checkpoint;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.model.DType;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class DTypeTest {
    @ParameterizedTest
    @CsvSource({"float32, F32, 4", "bfloat16, BF16, 2", "float16, F16, 2"})
    void parse_nameOfTorch_isTheTypeThatIsStoredUnderAnother(String name, String safetensors, int bytes) {
        DType type = DType.parse(name);

        assertThat(type).hasToString(name);
        assertThat(DType.parse("torch." + name)).isEqualTo(type);
        assertThat(type.bytes()).isEqualTo(bytes);
        StoredType stored = StoredType.of(safetensors).orElseThrow();
        assertThat(stored.bytes()).isEqualTo(bytes);
        assertThat(stored.computed()).isEqualTo(type);
    }

    @Test
    void parse_unknownName_saysWhatIsSupported() {
        assertThatIllegalArgumentException().isThrownBy(() -> DType.parse("float64")).withMessage(
                "\"float64\" is not a supported dtype; supported are float32, bfloat16 and float16");
        assertThat(StoredType.of("I64")).isEmpty();
    }
}
