import * as keyOrder from '../../proofs/key-order.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(keyOrder);
