package dev.lockstep.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that every rank runs, in a thread of its own, as {@link dev.lockstep.world.Worlds} has them; in place of
 * {@code @Test}. Each parameter of the type {@link dev.lockstep.world.World} is the rank's world.
 *
 * <pre>{@code
 * @Ranks({1, 4})
 * void sum_isThatOfAllRanks(World world) {
 *     assertEquals(world.size(), world.allReduce(1L, Op.SUM));
 * }
 * }</pre>
 *
 * <p>
 * What one rank throws ends the others and is the test's failure; so is a rank that keeps others waiting, or is in another
 * collective. All ranks share the test's object and its other parameters; what is to happen before and after each happens once.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@TestTemplate
@ExtendWith(RanksExtension.class)
public @interface Ranks {
    /** How many ranks; with several numbers the test is run once with each. */
    int[] value();

    /**
     * How long a rank may keep others waiting without a sign of life, in seconds; 0: for ever. Unless given it is
     * {@link dev.lockstep.world.Worlds#TIMEOUT}, and for ever in a JVM that a debugger may stop.
     */
    double timeoutSeconds() default -1;
}
